"""The final answer of a text: of a completion (`answer`), and of a gold text (`read_gold`)."""
