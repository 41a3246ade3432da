"""The narrator: accept → process → close → fold → analyse → deliver. Nothing below knows of it, nothing here knows Flask."""
