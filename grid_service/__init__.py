"""Grid service: districts, their managers, notices, questions from the field."""
