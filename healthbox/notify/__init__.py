"""Messages to people: what may be sent where, in which words, and the sending itself.

Apprise speaks to the services. It is heavy and opens connections of its own, so it lives in a short-lived child process
(``sender``) whose every connection passes the address guard; see ``channels`` for the way in.
"""
