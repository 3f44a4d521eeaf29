"""What people look at while and after traces run: lines, progress, JUnit."""
