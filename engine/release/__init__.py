"""What was published: files in force, their processes, limits and texts, and what differs between two releases.

Uses forms, bpmn, people, sla, storage. Read first: ``release``, ``releases``, ``compare``.
"""
