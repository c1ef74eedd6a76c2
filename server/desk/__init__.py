"""The rule desk: drafts of rule packs, their trial, publishing behind a gate, going back."""
