"""Files of rows, here or on the Hugging Face Hub, as frames of the columns that an adapter reads."""
