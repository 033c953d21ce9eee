"""Evaluation of embeddings: all pairs of a split compared in exact integers, from scores to error rates.

    embedding.py → verification.py → twins.py → roc.py → pair_scores.py
                   hard_cases_page.py → hard_cases.py ─────────┘

    embedding.py        embeds a split on all ranks; also accuracy by class   ← open this first
    verification.py     report: EER, confidence interval, TAR at FAR, AUC     ← a new metric goes here
    roc.py              rates and thresholds from counts of scores
    pair_scores.py      integer scores, tiles, histograms
    twins.py            the same for pairs of one group
    hard_cases.py       worst pairs, likely wrong labels;  hard_cases_page.py shows them

All but embedding.py and hard_cases_page.py are pure: no files, no clock, no random numbers, no other ranks.
"""
