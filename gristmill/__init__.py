"""The front doors: `analyze` in Python, the command line, the web server."""
