"""封存: history sealed into Merkle trees and signed checkpoints, outside the write path."""
