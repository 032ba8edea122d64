"""What runs inside the sandbox: standard library only, shipped as text, so that no file of ours is visible there."""
