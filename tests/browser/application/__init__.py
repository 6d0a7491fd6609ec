"""An application for browsers to use through the server: papers with a title, a date and a file, kept in Django's admin."""
