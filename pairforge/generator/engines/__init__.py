"""Engines: what turns requests into completions. vLLM in process, an OpenAI-compatible server, a Ray cluster."""
