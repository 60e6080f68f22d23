"""What `lawang doctor` looks at, one module a subject; each check answers findings and mends nothing."""
