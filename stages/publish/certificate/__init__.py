"""Whether a chat template makes of each row what is to be trained: the row rendered, and what of it the loss is on"""
