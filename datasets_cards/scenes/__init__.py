"""Builder of the scene sets, summer2winter and cloudy2sunny: labelled photographs in, cleaned splits out."""
