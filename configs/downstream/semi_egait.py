# Semi-supervised: fine-tuning on a class-balanced tenth of the labels; --cfg-options
# train_dataloader.dataset.label_fraction=0.05 for another (the fractions are nested).
# The walks that keep their label are listed in configs/splits; for other data than the authors' own part make a list
# of your own (python tools/analysis/label_lists.py), or set label_file=None to draw them.
_base_ = ["../_base_/finetune.py", "../_base_/egait.py"]
label_file = "{{ fileDirname }}/../splits/egait_own.json"
# The last batch is not dropped: one per cent of the walks are fewer than one full batch.
train_dataloader = dict(batch_size=16, drop_last=False, dataset=dict(label_fraction=0.1, label_file=label_file))
