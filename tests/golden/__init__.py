"""What older versions left, proved on every run: histories recorded under each behaviour, whole databases."""
