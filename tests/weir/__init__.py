"""Helpers of the black-box tests: a server under test, an HTTP client that hides nothing, cases."""
