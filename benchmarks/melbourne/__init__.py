"""A computing-power network on the base-station sites of Melbourne, under requests as a language service saw them."""
