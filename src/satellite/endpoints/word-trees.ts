/**
 * What the features of a word in a path say together, beyond what each says alone (`word-weights.ts`), as trees: each asks up to three
 * questions and adds to the logarithm of the odds that the word is a value.
 *
 * Fitted by gradient boosting of the logistic loss (Friedman, 2001) to the traffic that the weights are fitted to.
 */

/** A tree a line: the questions level by level (no `-` is ever answered yes), and what each way through them adds. */
export const WORD_TREES = `
  length>0.25 places>1.29 places>1.29 count>4.13 - unknown>0.0833 alikeCount>2.9 : 0.06 -0.06 0.22 0 0.1 -0.03 -0.14 0.01
  length>0.25 places>1.29 tokens>2.5 count>4.13 - places>1.29 level>0.9 : 0.05 -0.06 0.2 0 -0.01 -0.13 0.2 -0.04
  length>0.25 places>1.29 tokens>2.5 count>3.75 - typedSibling>0.5 level>0.9 : 0.05 -0.06 0.19 0 -0.01 -0.15 0.19 -0.04
  tokens>0.5 leaf>0.5 tokens>2.5 - - typedSibling>0.5 level>0.9 : -0.05 0 0.2 0 -0.01 -0.14 0.18 -0.03
  length>0.25 tokens>0.5 places>1.29 count>5.11 - unknown>0.0833 alikeCount>2.9 : 0.18 0.04 -0.02 0 0.1 -0.02 -0.12 0.02
  length>0.25 deadSiblings>0.5 places>1.29 tokens>0.5 - unknown>0.0833 behindWordsShare>0.014 : 0.18 0.01 -0.04 0 0.09 -0.02 -0.11 0.03
  length>0.25 places>1.29 tokens>2.5 count>3.75 - likelihoodBest>0.0134 level>0.9 : 0.03 -0.06 0.15 0 -0.09 0.01 0.18 -0.03
  tokens>0.5 leaf>0.5 tokens>2.5 - - typedSibling>0.5 level>0.9 : -0.05 0 0.16 0 0 -0.13 0.17 -0.03
  length>0.25 deadSiblings>0.5 places>1.29 tokens>0.5 - groupUnknown>0.368 alikeUnknown>2.55 : 0.16 0 -0.04 0 0.09 -0.02 -0.1 0.02
  tokens>2.5 length>0.25 level>0.464 places>1.29 unknown>0.0833 - siblings>1.79 : -0.02 0.13 0.04 -0.05 0.16 0 -0.09 0.04
  count>2.16 identicalFew>0.175 groupLevel>1.52 length>1.25 likelihood>-1.21 identicalCount>2.31 siblings>3.52 : -0.12 0.02 -0.07 0.1 -0.05 0.08 0.14 -0.11
  countSpread>0.819 countSpread>0.204 groupLevel>2.64 length>1.05 likelihood>-1.04 groupFew>0.0513 - : -0.06 0.03 -0.03 0.08 -0.11 0.01 0.13 0
  length>0.25 deadSiblings>0.5 places>1.29 tokens>0.5 - groupLevel>3.94 parentsShare>0.115 : 0.15 0 -0.04 0 0 0.19 -0.1 0
  tokens>2.5 length>0.25 unknown>0.817 places>1.29 typedSibling>0.5 siblings>1.79 - : -0.02 0.12 0 -0.11 -0.08 0.03 0.15 0
  groupLevel>3.94 groupFew>0.0513 length>0.75 unknown>0.0833 likelihood>-1.91 - - : 0.05 -0.05 -0.13 0.1 -0.02 0 0.17 0
  count>2.16 count>1.29 groupUnknown>0.489 - tokens>2.5 siblings>3.52 identicalCount>2.31 : 0.1 0 -0.08 0.04 0.1 -0.06 -0.04 0.07
  length>0.25 places>2.16 placesBehindValue>0.5 tokens>0.5 - groupLevel>3.94 - : 0.06 -0.07 0.13 0 -0.01 0.13 -0.11 0
  length>0.25 wordBelow>0.5 telling>1.41 - - tokens>2.5 telling>2.75 : 0.11 0 -0.02 0 -0.04 0.07 0.09 -0.04
  countSpread>0.819 count>2.16 groupLevel>2.64 length>1.35 level>2.92 groupFew>0.0513 - : -0.06 0.06 0.02 0.11 -0.1 0.01 0.11 0
  siblings>2.16 groupMember>0.367 siblings>2.45 length>1.65 countSpread>0.283 alikeAnswers>0.771 likelihood>-1.91 : -0.05 0.05 0.17 -0.03 0.21 -0.01 -0.08 0.03
  groupCode>0.0436 length>0.25 groupUnknown>0.888 places>1.29 typedSibling>0.5 - - : 0.01 0.12 0.02 -0.07 -0.12 0 0.04 0
  groupFew>0.606 groupFew>0.0513 level>2.45 level>2.63 likelihood>-1.91 - - : -0.04 0.09 -0.07 0.11 0.01 0 -0.12 0
  length>0.25 places>1.29 placesBehindValue>0.5 - - length>0.45 typedSibling>0.5 : -0.02 0 0.11 0 -0.07 0.02 -0.03 -0.12
  alikeCount>3.86 siblings>2.16 nothingToCompare>0.128 groupMember>0.367 siblings>2.45 - - : -0.03 0.09 0.13 0.01 -0.13 0 0.04 0
  groupLevel>3.94 countSpread>0.819 length>0.75 countSpread>0.778 deadSiblings>1.29 - - : 0 0.12 -0.07 0.03 -0.03 0 0.14 0
  identicalFew>0.649 identicalFew>0.152 likelihood>-1.21 count>2.16 conflicting>0.0466 - identicalUnknown>0.914 : -0.06 0.01 0.13 0.02 -0.11 0 0.07 -0.01
  tokens>0.5 leaf>0.5 typedSibling>0.5 - - unknown>0.0833 length>0.95 : -0.05 0 0.12 0 0.06 -0.02 -0.17 0.04
  alikeCount>3.86 identicalCount>3.44 nothingToCompare>0.0801 likelihood>3 - - - : 0.01 -0.04 0.1 0 -0.12 0 0.03 0
  groupFew>0.49 groupFew>0.0513 unknownIdentical>0.349 level>2.63 likelihood>-1.91 parentsShare>0.0537 - : -0.03 0.07 -0.05 0.11 -0.11 0 0.08 0
  siblings>3.52 siblings>2.16 conflicting>0.0466 groupMember>0.367 punctuation>0.5 likelihoodBest>2.7 nothingToCompare>0.489 : -0.02 0.08 0.02 0.15 -0.03 0.08 -0.11 0.01
  length>0.25 places>2.16 places>2.16 leaf>0.5 - groupLevel>3.94 identicalUnknown>0.661 : -0.05 0.05 0.11 0 0 0.13 -0.11 0.02
  count>2.16 count>1.29 countSpread>0.819 - groupLevel>1.23 tokens>1.5 deadSiblings>2.7 : 0.09 0 -0.01 -0.09 0.05 -0.03 -0.06 0.07
  tokens>2.5 parentsShare>0.115 level>0.9 tokens>1.5 places>2.16 - echoSibling>0.5 : 0 -0.07 0.07 -0.03 0.14 0 -0.09 0.01
  groupCode>0.0436 countSpread>0.204 likelihoodBest>3.24 length>1.05 identicalFew>0.649 - - : -0.06 0.02 0.04 -0.05 0 0 -0.09 0
  tokens>0.5 leaf>0.5 typedSibling>0.5 - - unknown>0.0833 length>0.95 : -0.04 0 0.11 0 0.05 -0.02 -0.16 0.03
  alikeAnswers>0.986 similar>0.919 parentsShare>0.329 telling>2.75 - groupUnknown>0.929 - : 0.01 -0.09 0.09 0 -0.1 0.05 0.07 0
  siblings>3.52 siblings>2.16 likelihood>-1.91 groupMember>0.367 punctuation>0.5 - nothingToCompare>0.195 : -0.02 0.08 0.02 0.14 -0.12 0 -0.06 0.07
  count>2.16 count>1.29 behindValue>0.5 - groupLevel>1.23 groupUnknown>0.153 places>1.29 : 0.08 0 -0.01 -0.09 0.06 -0.02 0.14 -0.03
  length>0.25 places>1.29 placesBehindValue>0.5 - typedSibling>0.5 length>0.45 - : -0.01 0 0.03 0.11 -0.06 0.01 -0.09 0
  groupFew>0.606 groupFew>0.0513 level>2.45 level>2.92 likelihood>-1.91 - - : -0.03 0.06 -0.06 0.08 0.01 0 -0.1 0
  siblings>3.52 siblings>2.16 conflicting>0.0466 groupMember>0.367 punctuation>0.5 likelihoodBest>2.7 nothingToCompare>0.17 : -0.02 0.07 0.01 0.12 -0.03 0.07 -0.12 -0.01
  length>0.25 places>1.29 places>2.16 - count>3.75 groupLevel>3.94 identicalUnknown>0.661 : -0.01 0 0.02 0.11 0 0.11 -0.1 0.03
  alikeAnswers>0.986 similar>0.895 parentsShare>0.227 likelihood>3 alikeAnswers>0.875 groupUnknown>0.929 - : 0.01 -0.07 0.09 0.01 -0.1 0.04 0.06 0
  countSpread>0.819 wordBelow>0.5 groupLevel>2.64 conflicting>0.703 punctuation>0.5 deadSiblings>1.29 - : -0.02 0.08 0.08 -0.03 -0.07 0.02 0.08 0
  groupFew>0.606 groupFew>0.0513 likelihood>-1.21 level>2.92 level>2.45 - - : -0.02 0.05 0.08 -0.06 -0.1 0 0.01 0
  wordBelow>2.9 wordBelow>1.29 - nothingToCompare>0.659 nothingToCompare>0.489 - - : -0.01 0.05 0.1 -0.05 -0.07 0 0 0
  siblings>3.52 siblings>2.16 likelihood>-1.91 length>1.65 capital>0.5 - nothingToCompare>0.326 : -0.02 0.05 0.06 -0.05 -0.11 0 -0.05 0.06
  length>0.25 tokens>0.5 typedSibling>0.5 typedSibling>0.5 - groupMember>0.155 capital>0.5 : 0.02 0.11 -0.02 0 -0.01 0.08 -0.12 0.06
  count>2.16 groupUnknown>0.489 countSpread>0.564 echoSibling>0.5 leaf>0.5 telling>1.41 parentGet>0.5 : -0.1 0.03 0.06 -0.03 0 0.1 -0.04 0.06
  length>0.25 tokens>0.5 placesBehindValue>0.5 typedSibling>0.5 - length>0.45 typedSibling>0.5 : 0.02 0.1 -0.02 0 -0.05 0.01 -0.02 -0.1
  length>0.25 places>3.08 places>1.29 leaf>0.5 - countSpread>0.819 countSpread>0.518 : -0.05 0.05 0.1 0 0.02 -0.04 -0.08 0.01
  groupLevel>3.94 identicalUnknown>0.661 length>0.65 countSpread>0.564 likelihood>-1.21 - - : 0.01 -0.06 -0.07 0.05 -0.06 0 0.11 0
  alikeAnswers>0.986 alikeAnswers>0.0832 parentsShare>0.227 length>1.65 siblings>3.52 countSpread>0.433 - : -0.02 0.05 0.1 -0.05 -0.12 0 0.06 0
  length>0.25 tokens>0.5 typedSibling>0.5 typedSibling>0.5 - unknown>0.0833 length>0.95 : 0.02 0.1 -0.02 0 0.04 -0.02 -0.14 0.03
  groupFew>0.66 groupFew>0.0513 level>2.45 level>2.92 unknown>0.225 - - : -0.02 0.04 -0.03 0.08 0 0 -0.09 0
  wordBelow>2.9 wordBelow>1.79 - countSpread>0.204 groupUnknown>0.745 - - : -0.03 0.01 0 0.11 -0.06 0 0 0
  groupFew>0.49 identicalFew>0.152 unknownIdentical>0.349 deadSiblings>0.5 likelihood>-1.91 few>0.5 - : -0.02 0.05 -0.04 0.09 -0.1 0 0.07 0
  length>0.25 places>3.08 typedSibling>0.5 leaf>0.5 - groupMember>0.155 similar>0.167 : -0.05 0.04 0.09 0 -0.01 0.07 0.05 -0.11
  count>2.16 telling>0.374 behindValue>0.5 countSpread>0.385 behindPlural>0.5 countSpread>0.333 places>1.29 : -0.04 0.07 -0.09 -0.02 0.04 -0.02 0.12 -0.03
  siblings>3.52 siblings>2.16 conflicting>0.0466 groupMember>0.367 groupLevel>1.52 likelihoodBest>2.7 nothingToCompare>0.489 : -0.02 0.07 0 0.1 -0.02 0.06 -0.09 0.01
`;
