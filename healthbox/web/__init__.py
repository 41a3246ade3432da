"""The doors over HTTP: pages for people (``pages``), JSON for programs (``api``), one file per noun in both.

A noun's file exports ``routes``, a Flask blueprint, and is found by discovery. Every route says who may open it, with
``@opens(...)`` directly above the function; a route that does not stops the start. See ``auth`` for the scopes.
"""
