"""The engine of Gongdan: commands in, history and read models out. Knows nothing of the web."""
