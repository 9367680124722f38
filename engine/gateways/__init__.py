"""The doors to the outside, one module each; :mod:`engine.sending` says what they are asked and may answer."""
