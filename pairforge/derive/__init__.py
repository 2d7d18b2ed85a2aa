"""Derived solutions: new solutions made from existing ones without sampling, by cutting their reasoning."""
