"""What a diagram means and does. The diagrams themselves lie in the top-level ``bpmn/``.

Uses base. Read first: ``model``, ``kinds``, ``spiff``.
"""
