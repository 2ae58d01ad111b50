# Hand-made kinematic features through the whitening of SSAL+: what the whitening alone is worth, beside its encoder's.
_base_ = "handmade_pathogait.py"
whitening = dict(type="NuisanceWhitening")
