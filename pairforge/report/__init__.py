"""What a view looks like: statistics, checks, figures, the dataset card."""
