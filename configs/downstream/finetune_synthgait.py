# Fine-tuning: python tools/train.py configs/downstream/finetune_synthgait.py --encoder CKPT
_base_ = ["../_base_/finetune.py", "../_base_/synthgait.py"]
