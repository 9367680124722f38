"""The engine of Gongdan: commands in, history and read models out. Knows nothing of the web."""

VERSION = "0.2.0"  #: of this program, as in pyproject.toml and CHANGELOG.md
