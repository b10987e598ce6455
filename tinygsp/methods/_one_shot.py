"""A method of one cut: train the dense network, cut once, and give all the epochs that are left to the survivors."""

from tinygsp.training import Dense, Finetune, Method, Phase, Plan


class OneShot(Method):
    """Base of the methods that cut once; a subclass says how it scores.

    fresh : bool   whether fresh weights are scored and kept, not the trained ones
    """

    fixed = {"search_share": 1.0}  # nothing is rewired, and config.json says so
    fresh = False

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then fine-tuning for as many epochs as the search and the fine-tuning of other methods."""
        s = plan.settings
        return [Dense(plan, s.dense_epochs), Finetune(plan, s.epochs + s.finetune_epochs, self.fresh)]
