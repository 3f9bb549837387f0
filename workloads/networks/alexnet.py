"""AlexNet, in its single-column form."""

from torch import nn

from workloads.networks.network import Network

WORKS = {
    "krizhevsky2012": "A. Krizhevsky, I. Sutskever, G. E. Hinton. ImageNet Classification with Deep Convolutional "
    "Neural Networks. Advances in Neural Information Processing Systems 25 (NIPS), pp. 1097-1105, 2012.",
    "krizhevsky2014": "A. Krizhevsky. One weird trick for parallelizing convolutional neural networks. "
    "arXiv:1404.5997, 2014.",
}


def alexnet(num_classes: int = 1000) -> Network:
    """Return AlexNet for 224 x 224 images: 5 convolutions, 3 fully connected layers, 61,100,840 parameters.

    The one-column network of 2014, which splits no convolution into groups; dropout follows fc6 and fc7 as in the paper
    of 2012. Local response normalisation is left out, as the field has since done. The last map is 256 x 6 x 6.
    """
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(kernel_size=3, stride=2),
        "conv2": nn.Conv2d(64, 192, kernel_size=5, padding=2),
        "relu2": nn.ReLU(inplace=True),
        "pool2": nn.MaxPool2d(kernel_size=3, stride=2),
        "conv3": nn.Conv2d(192, 384, kernel_size=3, padding=1),
        "relu3": nn.ReLU(inplace=True),
        "conv4": nn.Conv2d(384, 256, kernel_size=3, padding=1),
        "relu4": nn.ReLU(inplace=True),
        "conv5": nn.Conv2d(256, 256, kernel_size=3, padding=1),
        "relu5": nn.ReLU(inplace=True),
        "pool5": nn.MaxPool2d(kernel_size=3, stride=2),
        "flatten": nn.Flatten(),
        "fc6": nn.Linear(256 * 6 * 6, 4096),
        "relu6": nn.ReLU(inplace=True),
        "drop6": nn.Dropout(0.5),
        "fc7": nn.Linear(4096, 4096),
        "relu7": nn.ReLU(inplace=True),
        "drop7": nn.Dropout(0.5),
        "fc8": nn.Linear(4096, num_classes),
    }
    return Network(layers, dict(WORKS))
