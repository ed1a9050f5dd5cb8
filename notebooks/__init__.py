"""Live notebooks: sessions, the papermill engine, templates, exports and schedules."""
