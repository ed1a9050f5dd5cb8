"""Which questions a template notebook answers, and with which parameters; each declares itself by `template`."""
