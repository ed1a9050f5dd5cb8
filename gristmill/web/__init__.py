"""The web server's parts: the guard at the gate, and the REST interface behind it."""
