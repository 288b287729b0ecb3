"""What a person sees: the terminal's tables and progress, shells, pictures of a lab, exported files."""
