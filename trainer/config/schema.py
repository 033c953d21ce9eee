"""Every setting of a run, section by section. The text below a field is its help; 0 or "" often mean "off".

Each field is marked `identity` or `free`. A resumed run ends bit-identical to an uninterrupted one if its identity
fields are equal: a resume refuses another value and names it. Free fields may change at every start.
"""

from dataclasses import Field, dataclass, field
from typing import Literal, TypeVar

T = TypeVar("T")

_MARK = "identity"


def identity(default: T) -> T:
    """A field that decides the weights."""
    return field(default=default, metadata={_MARK: True})


def free(default: T) -> T:
    """A field that decides where, how fast and how talkatively, and never the weights."""
    return field(default=default, metadata={_MARK: False})


def is_identity(each: "Field[object]") -> bool:
    return bool(each.metadata[_MARK])


Scaling = Literal["linear", "sqrt", "none"]

Curve = Literal["cosine", "step", "polynomial", "constant"]

Precision = Literal["auto", "off", "bf16", "fp16"]

Reduction = Literal["ddp", "exact"]


@dataclass(frozen=True)
class Run:
    folder: str = free("run")
    """Where config, metrics, checkpoints and the report go; the same folder again resumes."""
    epochs: int = identity(10)
    """Passes over the training split."""
    steps: int = identity(0)
    """End after so many steps, if that is sooner than the epochs; 0: the epochs alone decide."""
    seed: int = identity(0)
    """Of the order, the first weights and every random draw."""
    wait: float = free(10.0)
    """Seconds that a second job on this folder waits for the first one to end."""


@dataclass(frozen=True)
class Data:
    path: str = free("")
    """The folder that `shardkit pack` wrote. Its digest is part of the identity, its place is not."""
    train: str = identity("train")
    """The split to learn from."""
    val: str = identity("val")
    """The split to validate on; "" for none."""
    test: str = free("")
    """The split to judge the best weights on, once, at the end; "" for none."""
    global_batch: int = identity(64)
    """Samples a step, over all ranks."""
    micro_batch: int = identity(32)
    """Samples of one forward and backward; ranks x micro_batch must divide global_batch."""
    sampler: Literal["uniform", "balanced", "pk", "pairs"] = identity("uniform")
    """How rows are drawn: by sample, by subject, P subjects x K impressions, or pairs."""
    impressions_per_subject: int = identity(0)
    """K of the sampler "pk"."""
    mated: float = identity(0.5)
    """Share of the pairs of the sampler "pairs" that are of one subject."""
    hard: float = identity(0.3)
    """Share of its other pairs that are of one group: of twins."""
    block_rows: int = identity(512)
    """Rows that are shuffled together: memory and reading ahead against nothing you would notice in a batch."""
    color: Literal["keep", "gray", "rgb"] = identity("gray")
    """Channels to decode to."""
    size: int = identity(0)
    """Resize to size x size while decoding; 0: as stored, which must then be one size."""
    fit: Literal["pad", "crop", "stretch"] = identity("pad")
    """How other shapes are brought to size x size."""
    on_bad: Literal["raise", "substitute"] = identity("raise")
    """What a damaged sample does: end the run with its name, or be replaced, logged and quarantined."""
    cache_validation: bool = free(True)
    """Keep decoded validation images in memory."""
    threads: int = free(0)
    """Decoding threads a rank; 0: what the cores allow."""


@dataclass(frozen=True)
class Augment:
    enabled: bool = identity(True)
    """Draw what the fields below are about, for training rows; validation never draws."""
    shrink: int = identity(1)
    """Average shrink x shrink pixels to one before anything else."""
    crop: tuple[int, int] = identity((0, 0))
    """Height and width of the network's input, cut from the middle of the moved image; 0 0: the whole image."""
    rotation: float = identity(15.0)
    """Degrees, to either side."""
    shift: float = identity(25.0)
    """Pixels of the stored image, in either direction and axis."""
    contrast: tuple[float, float] = identity((1.3, 2.0))
    """Least and greatest factor around the image's mean."""
    gain: tuple[float, float] = identity((0.95, 1.05))
    """Least and greatest factor of brightness."""
    flip: float = identity(0.0)
    """Share of the training images that are mirrored left to right; for faces, never for prints."""
    erase: float = identity(0.0)
    """Share of the training images in which a rectangle is erased."""
    erase_area: tuple[float, float] = identity((0.02, 0.2))
    """Least and greatest share of the image that an erased rectangle takes."""
    enhance: Literal["none", "gabor"] = identity("none")
    """Ridge enhancement on the device, for training and validation alike."""
    ridge_period: float = identity(9.0)
    """Pixels from ridge to ridge of prints as they are served, behind data.size (9 at 500 ppi); the Gabor bank is built
    around it, and a run warns where too few are left. 0: these are no prints."""
    mean: float = identity(0.5)
    """Subtracted from images in 0…1."""
    std: float = identity(0.25)
    """And what they are divided by then."""


@dataclass(frozen=True)
class Model:
    name: str = identity("small")
    """The backbone: one of `trainer.models`."""
    width: float = identity(1.0)
    """A factor on the channels of every layer; 1 is the net as published."""
    embedding: int = identity(128)
    """Length of the vector that stands for an image."""
    dropout: float = identity(0.0)
    """Share of what is dropped while learning: before the embedding; in a transformer, throughout its blocks."""
    patch: int = identity(16)
    """Side of the patches of a transformer."""
    blocks: tuple[int, int, int] = identity((12, 1, 12))
    """Of the twins' transformer: self-attention, from an image to its salient part, and from image to image."""
    init: str = identity("")
    """Weights to start from: a model.safetensors. Only the backbone is read; what does not match is told."""


@dataclass(frozen=True)
class Head:
    name: Literal["softmax", "cosface", "arcface", "adaface"] = identity("cosface")
    """How an embedding becomes class scores while learning."""
    margin: float = identity(0.1)
    """What the true class must win by: of the cosine (CosFace), of the angle (ArcFace), or by quality (AdaFace)."""
    scale: float = identity(30.0)
    """What cosines are multiplied by."""
    sharded: bool = identity(False)
    """Spread the classes over the ranks, for 100,000 and more; the same bits on any number of ranks."""
    sampled: float = identity(1.0)
    """Share of the classes that a row is compared with, where they are sharded; its own are always among them."""


@dataclass(frozen=True)
class Loss:
    classes: float = identity(1.0)
    """Weight of telling classes apart, by the head; 0: no head."""
    label_smoothing: float = identity(0.0)
    """Share of the target that is spread over all classes."""
    center: float = identity(0.0)
    """Weight of the distance to the centre of one's class, as of a batch of 16; 0.125 as published."""
    center_rate: float = identity(0.5)
    """How far centres move, once a step."""
    minutiae_map: float = identity(0.0)
    """Weight of finding the minutiae, which lie beside the images as `.mnt`; 0.3 as published."""
    triplet: float = identity(0.0)
    """Weight of the hardest triplets of a micro-batch; it needs the sampler "pk" or "pairs"."""
    triplet_margin: float = identity(0.3)
    pairs: float = identity(0.0)
    """Weight of telling pairs of one subject from others."""
    focal: float = identity(0.0)
    """Weight of the same with an eye on those pairs that are hard."""
    focal_gamma: float = identity(2.0)


@dataclass(frozen=True)
class Optim:
    name: Literal["sgd", "adam", "adamw"] = identity("adamw")
    base_lr: float = identity(3e-3)
    """The learning rate for a global batch of base_batch."""
    base_batch: int = identity(64)
    scale: Scaling = identity("linear")
    """How the learning rate follows global_batch / base_batch."""
    base_samples: int = identity(0)
    """Divide the learning rate by the square root of how many times more training samples there are; 0: do not."""
    warmup: float = identity(0.5)
    """Epochs from warmup_from x LR up to LR."""
    warmup_from: float = identity(0.1)
    schedule: Curve = identity("cosine")
    """The way down after the warm-up."""
    final: float = identity(0.01)
    """Where cosine and polynomial end, as a factor of LR."""
    milestones: tuple[float, ...] = identity(())
    """Epochs at which `step` multiplies LR by gamma."""
    gamma: float = identity(0.1)
    power: float = identity(1.0)
    """Of the polynomial."""
    momentum: float = identity(0.9)
    """Of SGD."""
    betas: tuple[float, float] = identity((0.9, 0.999))
    """Of Adam and AdamW."""
    eps: float = identity(1e-8)
    weight_decay: float = identity(5e-4)
    clip: float = identity(1.0)
    """The greatest norm of all gradients together; 0: no clipping."""
    reduce: Reduction = identity("ddp")
    """How ranks add their gradients: "ddp", or "exact", slower, with the same bits on any number of ranks."""
    sharded: bool = identity(False)
    """Spread the optimiser's state over the ranks (ZeRO 1)."""


@dataclass(frozen=True)
class Ema:
    decay: float = identity(0.0)
    """Of the averaged weights, a step; validation uses them. 0: none are kept."""


@dataclass(frozen=True)
class Amp:
    dtype: Precision = identity("auto")
    """Of the backbone's arithmetic. "auto": bf16, or fp16 where a GPU has no bf16; off on CPU."""
    init_scale: float = identity(65536.0)
    """The first loss scale of fp16."""
    growth_interval: int = identity(2000)
    """Steps without overflow after which fp16 doubles its scale."""


@dataclass(frozen=True)
class System:
    device: Literal["auto", "cpu", "cuda"] = free("auto")
    threads: int = identity(0)
    """Arithmetic threads a rank; another number changes the bits. 0: the cores divided by the ranks of this machine."""
    deterministic: bool = identity(False)
    """On CUDA: only algorithms whose bits are the same each time."""
    compile: bool = identity(False)
    """Compile the network."""
    channels_last: bool = identity(False)
    """Images with their channels innermost; CUDA only."""
    activation_checkpoint: bool = identity(False)
    """Compute activations twice instead of keeping them."""
    activation_offload: bool = identity(False)
    """Keep activations in the CPU's memory."""
    timeout: float = free(120.0)
    """Seconds without a step after which a rank is taken for stuck, and the job ends."""
    first_timeout: float = free(1800.0)
    """The same for the first step, which may compile, and for checkpoints being read."""


@dataclass(frozen=True)
class Checkpoint:
    every_steps: int = free(0)
    """Save after every so many steps; 0: by epochs alone."""
    every_epochs: int = free(1)
    """Save after every so many epochs; 0: by steps alone. The last step is always saved."""
    keep: int = free(3)
    """How many of the newest stay, beside the best one."""


@dataclass(frozen=True)
class Validate:
    metric: Literal["eer", "accuracy"] = identity("eer")
    """What the best weights are best at: telling subjects apart, or naming the classes that were learnt."""
    every_epochs: int = identity(1)
    """Validate after every so many epochs; 0: by steps alone."""
    every_steps: int = identity(0)
    """Validate after every so many steps; 0: by epochs alone."""
    first: bool = identity(False)
    """Validate before the first step as well, to see what an untrained network can tell."""
    subset: int = identity(0)
    """Samples of the quick validation; 0: it is always full. Every subject keeps a sample as long as they fit."""
    full_every: int = identity(10)
    """With a subset: every so many validations is a full one, and the last one is."""
    patience: int = identity(10)
    """Routine validations (the quick ones, with a subset) without a better EER after which training stops; 0: never."""
    far: tuple[float, ...] = free((1e-2, 1e-3, 1e-4, 1e-5, 1e-6))
    """False accept rates at which true accept rates are told, where there are pairs enough."""


@dataclass(frozen=True)
class Log:
    every: int = free(10)
    """Steps from one line to the next."""
    tensorboard: bool = free(True)
    wandb: bool = free(False)
    """Weights & Biases, offline, if it is installed."""
    profile: int = free(0)
    """Trace so many steps with PyTorch's profiler, after the first ten."""


@dataclass(frozen=True)
class Config:
    run: Run = field(default_factory=Run)
    data: Data = field(default_factory=Data)
    augment: Augment = field(default_factory=Augment)
    model: Model = field(default_factory=Model)
    head: Head = field(default_factory=Head)
    loss: Loss = field(default_factory=Loss)
    optim: Optim = field(default_factory=Optim)
    ema: Ema = field(default_factory=Ema)
    amp: Amp = field(default_factory=Amp)
    system: System = field(default_factory=System)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    validate: Validate = field(default_factory=Validate)
    log: Log = field(default_factory=Log)
