"""The dashboard: pages and components that show what the record says."""
