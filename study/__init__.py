"""Real-or-fake studies: plan, pictures, assignment, storage, pages, statistics, export. Knows pictures, not methods."""
