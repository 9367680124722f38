"""The rules of the house: layers, sizes, documents, packages. Each breaks with the file that breaks it."""
