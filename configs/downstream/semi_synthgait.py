# Semi-supervised: fine-tuning on a class-balanced tenth of the labels; --cfg-options
# train_dataloader.dataset.label_fraction=0.05 for another (the fractions are nested).
_base_ = ["../_base_/finetune.py", "../_base_/synthgait.py"]
label_file = "{{ fileDirname }}/../splits/synthgait.json"
train_dataloader = dict(batch_size=16, dataset=dict(label_fraction=0.1, label_file=label_file))
