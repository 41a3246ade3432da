"""Pages for people: one noun a file, with ``templates/<noun>.html`` and ``static/<noun>.js``; each exports ``routes``."""
