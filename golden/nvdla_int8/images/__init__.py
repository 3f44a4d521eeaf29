"""Images, feature maps and labels from files: folders of pictures and arrays, in batches that need not fit memory."""
