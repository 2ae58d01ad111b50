"""Pictures of skeletons, views, embeddings and curves."""
