"""From recordings of any kind to a gait archive: readers, repair, windows, report."""
