"""The dashboard's pages: one module and one template each, every page with a URL of its own."""
