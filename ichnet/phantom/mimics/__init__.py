"""What resembles blood, hides it, or is disease without blood: see ``published.MIMICS``."""
