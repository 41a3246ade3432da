"""Pages for people: one noun a file, with ``templates/<noun>.html`` and ``static/<noun>.js``; each exports ``routes``.

The blueprint bears the file's name and its page is the function ``show``: ``href("sleep")`` in a template leads there.
"""
