# What makes SSAL SkeletonCLR (momentum contrast of general views; Li et al., CVPR 2021): no strong view.
method = dict(data_preprocessor=dict(views=dict(strong=None)), loss_divergence=None, drop=None)
