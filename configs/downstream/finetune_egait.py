# Fine-tuning: python tools/train.py configs/downstream/finetune_egait.py --encoder CKPT
_base_ = ["../_base_/finetune.py", "../_base_/egait.py"]
