"""The build: what is compiled, with which compiler, and what came out."""
