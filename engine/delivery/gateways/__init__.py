"""The doors to the outside, one module each; :mod:`engine.base.sending` says what they are asked and may answer."""
