"""The reasons a training job can end with. Each message is one line that a person can act on.

TrainingFault
├── InvalidHyperparameters
├── UnusableDataset
├── UnreadableChampion
├── GateDoesNotApply
├── ExportDiffers
├── ModelDiverged
└── ReportTooLarge
"""


class TrainingFault(Exception):
    """Ends the job; its message becomes the job's FailureReason."""


class InvalidHyperparameters(TrainingFault):
    """A hyperparameter is unknown, of another type, or out of range."""


class UnusableDataset(TrainingFault):
    """A channel's files break a rule of the model's data settings."""


class UnreadableChampion(TrainingFault):
    """The champion cannot be compared with the candidate."""


class ExportDiffers(TrainingFault):
    """An exported form of the model answers rows differently from the estimator it was made from."""


class ModelDiverged(TrainingFault):
    """The fitted model answers with infinity, or with no number at all."""


class ReportTooLarge(TrainingFault):
    """The evaluation is larger than its readers accept."""


class GateDoesNotApply(TrainingFault):
    """The settings' gate asks for something that no model of this dataset can have."""
