"""Networks never seen, as sums over layers of what was learned from blocks: an additive model on physical features."""
