"""DIV8K: 1500 photographs of up to 8K.

Licence: that of the challenge: register and read.
Download: about 46.3 GB.
Cite: Gu, Lugmayr, Danelljan, Fritsche, Lamour, Timofte: DIV8K: DIVerse 8K Resolution Image Dataset. ICCV Workshops 2019.
Page: https://huggingface.co/datasets/Iceclear/DIV8K_TrainingSet
By hand: The organisers of the AIM challenges gave it to those who registered. The page is a copy by others: judge for yourself.
  Then: python data_scripts/div8k.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("div8k")
